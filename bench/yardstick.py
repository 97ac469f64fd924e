"""The same small piece of work every time: how dear the processor's time is at this moment.

CPU time is told in seconds, and on a machine that is shared a second buys less. Beside each burst
stands what this work took, so that two visits can be told apart from two moods of the machine.
"""

import json
import time
from hashlib import sha256

_ROUNDS = 600


def yardstick() -> float:
    """Return the CPU milliseconds that the work takes now."""
    document = {
        f"key-{number}": [number, str(number), {"half": number / 2}] for number in range(20)
    }
    begun = time.thread_time()
    for _ in range(_ROUNDS):
        text = json.dumps(document)
        document = json.loads(text)
        sha256(text.encode()).hexdigest()
    return (time.thread_time() - begun) * 1000
