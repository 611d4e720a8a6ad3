"""Many threads, few places in which the C library keeps their memory."""

import platform
import subprocess
import sys

import pytest

# A new arena reserves 64 MB of addresses; threads that live at one time would each get their own.
GROWN = """
import os, sys, threading
from organism.body.allocator import keep_small
if sys.argv[1] == "small":
    assert keep_small()
else:
    os.environ["MALLOC_ARENA_MAX"] = "16"
    assert not keep_small()

def size_mb():
    return int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE") >> 20

N = 8
all_here = threading.Barrier(N + 1)

def work():
    held = [bytearray(2_000) for _ in range(10)]
    all_here.wait(30.0)
    all_here.wait(30.0)

threading.stack_size(1 << 20)
before = size_mb()
threads = [threading.Thread(target=work) for _ in range(N)]
for thread in threads:
    thread.start()
all_here.wait(30.0)
print(size_mb() - before)
all_here.wait(30.0)
"""


def grown_mb(how):
    command = [sys.executable, "-c", GROWN, how]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env={})
    return int(told.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no arenas to limit")
def test_threads_share_arenas_once_asked_and_a_person_who_set_them_is_left_alone():
    assert grown_mb("left alone") > 4 * 64
    assert grown_mb("small") < 3 * 64
