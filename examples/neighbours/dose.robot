*** Settings ***
Documentation    robot --pythonpath . examples/neighbours/dose.robot
Library          controller.neighbours.robot.Ionto    ${PORT}

*** Variables ***
${PORT}          sim://?load=5k
${TREATMENT}     ${CURDIR}/bench.toml

*** Test Cases ***
A Dose Arrives
    ${record} =    Deliver    ${TREATMENT}
    Outcome Should Be    ${record}    DONE
    Dose Should Be    ${record}    0.2
    Output Should Be Off

A Stop Stops
    Stop Unit
    Output Should Be Off
