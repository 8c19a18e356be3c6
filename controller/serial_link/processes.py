"""Is that process still there? Without psutil, and without the trap of ``os.kill`` on Windows.

``os.kill(pid, 0)`` asks on POSIX and *kills* on Windows, where every signal but two console events means
TerminateProcess. Hence two answers.
"""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import ctypes

    _QUERY_LIMITED_INFORMATION = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
    _STILL_ACTIVE = 259
    _ACCESS_DENIED = 5

    def is_running(pid: int) -> bool:
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.OpenProcess.restype = ctypes.c_void_p
        handle = kernel32.OpenProcess(_QUERY_LIMITED_INFORMATION, False, pid)
        if not handle:
            return ctypes.get_last_error() == _ACCESS_DENIED  # there, but not ours to look at
        code = ctypes.c_ulong()
        known = kernel32.GetExitCodeProcess(ctypes.c_void_p(handle), ctypes.byref(code))
        kernel32.CloseHandle(ctypes.c_void_p(handle))
        return not known or code.value == _STILL_ACTIVE

else:

    def is_running(pid: int) -> bool:
        if pid <= 0:  # kill(0) and kill(-n) speak to groups
            return False
        try:
            os.kill(pid, 0)
        except PermissionError:
            return True  # there, but another user's
        except (ProcessLookupError, OverflowError):
            return False
        return True
