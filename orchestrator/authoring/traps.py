"""What no workflow may call: it would see something else on replay, or do something twice.

Small on purpose, and precise: what works is not refused. Activities may call anything.
"""

import re

_ACTIVITY = "in an activity: `yield ctx.call_activity(...)`"

TRAPS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile("|".join(paths)), said)
    for paths, said in (
        (
            (
                r"datetime\.datetime\.(now|utcnow|today)",
                r"datetime\.date\.today",
                r"time\.(time|monotonic|perf_counter|process_time)(_ns)?",
                r"time\.(localtime|gmtime|ctime|asctime)\(\)",
            ),
            "shows another time on replay: write `ctx.current_utc_datetime`",
        ),
        (
            (r"time\.sleep", r"asyncio\.sleep"),
            "sleeps on every replay, and a restart forgets it: write "
            "`yield ctx.create_timer(timedelta(...))`",
        ),
        (
            (
                r"random\.[a-z]\w*",  # the functions; `random.Random(ctx.instance_id)` is the same
                r"random\.Random\(\)",
                r"random\.SystemRandom",
                r"secrets\.(?!compare_digest)\w+",
                r"os\.(urandom|getrandom)",
            ),
            f"differs on replay: write `ctx.random()`, or draw it {_ACTIVITY}",
        ),
        (
            (r"uuid\.uuid[1467]",),
            "differs on replay: write `ctx.new_guid()`",
        ),
        (
            (
                r"open",
                r"io\.open",
                r"pathlib\.Path\(.*?\)\.(read_text|read_bytes|write_text|write_bytes|open)",
                r"(requests|httpx)\.(request|get|head|options|post|put|patch|delete|stream)",
                r"(requests\.Session|httpx\.(Async)?Client)",
                r"urllib\.request\.url(open|retrieve)",
                r"subprocess\.(run|call|check_call|check_output|Popen)",
                r"os\.(system|popen)",
                r"socket\.(socket|create_connection)",
                r"dapr\.(aio\.)?clients\.DaprClient",
            ),
            f"is done again on every replay, and may answer otherwise: do it {_ACTIVITY}",
        ),
    )
)


def trap(path: str) -> str | None:
    """Return what is wrong with calling `path`, such as `time.time`, or None where nothing is."""
    return next((said for pattern, said in TRAPS if pattern.fullmatch(path)), None)
