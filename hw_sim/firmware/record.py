"""The control record: every integer that the 10 ms tick reads or writes, in one flat object.

Flat and integer because the same tick runs under CPython, under MicroPython (where it may not allocate)
and compiled. Currents nA, voltages mV, charges uC, times in ticks unless the name says otherwise.
"""

TICK_MS = 10

FIELDS = tuple(
    (
        # hardware in: raw codes, relay feedback, comparators; hardware out: DAC code, relay, bridge
        "adc_i adc_i2 adc_v relay_fb cmp_i cmp_v dac relay bridge "
        # slow inputs, what of them needs the tick's attention (inputs.py), and whether it has been seen to
        "supply_mv temp_dc interlock button alarm pressed low_told c_relay "
        # calibration: nA a code and its fraction, fraction of the mV a code, offsets in nA and mV (calibration.py)
        "mul_i frac_i frac_v off_i off_v "
        # readings of this tick and the one before; offsets taken with the relay open
        "i i2 v i_1 i2_1 v_1 zero_i zero_i2 zero_v "
        # state, ticks in it, state last told, who moved it, whether a run is open, what its outcome will be
        "st t_st told by is_open why "
        # prescription as held; n_up and n_dn are nA a tick, tmax ticks
        "ua uc n_up n_dn tmax zmax zmin vmax pol lim cont loss batt "
        # set-point chain: target, programmed (slewed), regulated; slew of the way down; trim in ppm
        "tgt prog reg n_off trim pulled limited "
        # dose: whole uC, carry in nA ticks, charge of the ramp-down to come
        "q carry q_down "
        # lease left, its length, half of it gone, all of it gone
        "lease lease_full half lost "
        # run clocks: energised ticks, seconds since START, ticks to the next second, second of the last pause
        "on_time run_s sec p_at "
        # contact check: ticks, sums, impedance in ohm, error code; ticks of quiet
        "chk_n chk_v chk_i chk_i2 chk_z chk_res quiet "
        # faults: mask, first cause, one told now, its values and whether a run was open, ticks since a cause was
        # present; for main to do, and whether the memory is still writing
        "fl first f_id f_z f_i f_v f_q f_open cause note warn saving busy "
        # detector counters and the bands in which a tick is healthy
        "c_open c_good c_zhi c_zlo c_over c_track c_chan c_leak c_rail code_i code_i2 c_code_i c_code_i2 "
        "band band_e v_lo v_hi dirty "
        # compliance: ticks limited in a row and in total
        "c_lim lim_total "
        # step: five 20 ms means back of voltage and set-point, valid ones, ticks to look closely, rises so far
        "v_a v_b v_c v_d v_e s_a s_b s_c s_d s_e step_n hot rises "
        # fall: maxima of four half seconds, their maximum, blocks in the present one
        "m_0 m_1 m_2 m_3 m_max m_n "
        # sums of 100 ms, and whether the set-point moved in this second
        "b_i b_v b_reg unsteady "
        # contact: sum of a second, ten 1 s means, how many, minimum, warned, seconds of HOLD to wait for
        "k_v k_0 k_1 k_2 k_3 k_4 k_5 k_6 k_7 k_8 k_9 k_count k_min k_warned k_wait "
        # repeat lock: run seconds of the last two pauses of each cause, plus one
        "p_open1 p_open2 p_step1 p_step2 p_link1 p_link2 locked"
    ).split()
)


class Record:
    __slots__ = FIELDS

    def __init__(self) -> None:
        for name in FIELDS:
            setattr(self, name, 0)
        self.bridge = 1
        self.pol = 1
        self.supply_mv = 9000
        self.temp_dc = 250
        self.interlock = 1
        self.mul_i = 76
        self.frac_i = 4835
        self.frac_v = 2233
        self.cause = 200
        self.quiet = 0
        self.lease_full = 200

    def snapshot(self):  # type: ignore[no-untyped-def]
        return tuple([getattr(self, name) for name in FIELDS])

    def restore(self, values):  # type: ignore[no-untyped-def]
        for k in range(len(FIELDS)):
            setattr(self, FIELDS[k], values[k])
