"""The two plain pages in front of commands: set a password once, and sign in. They need no dash."""

import hmac

_SHELL = """<!DOCTYPE html>
<html lang="en" data-mode="paper">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">
<title>{title} · organism</title>
<link rel="icon" href="/assets/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/10-ground.css"><link rel="stylesheet" href="/assets/20-parts.css">
</head>
<body class="door">
<main class="door-card">
<p class="word"><span class="word-mark" aria-hidden="true"></span>organism</p>
<h1>{title}</h1>
<p class="door-say">{say}</p>
<form id="door" data-kind="{kind}" autocomplete="on">
<input type="text" name="username" value="operator" autocomplete="username" hidden>
{fields}
<p class="form-error" id="door-error" role="alert"></p>
<button class="button button-main" type="submit">{button}</button>
</form>
<p class="door-back"><a href="/">Back to the vitals</a></p>
</main>
<script src="/assets/door.js" defer></script>
<noscript><p class="door-card">This form needs JavaScript. The command line works without: <code>./run halt --note "why"</code></p></noscript>
</body></html>
"""

LOGIN = _SHELL.format(
    title="Sign in",
    kind="login",
    say="Looking needs no password. Giving commands does.",
    button="Sign in",
    fields='<label for="password">Password</label>'
    '<input id="password" name="password" type="password" autocomplete="current-password" required autofocus maxlength="256">',
)
SETUP = _SHELL.format(
    title="Choose a password",
    kind="setup",
    say="It guards halt, reduce, resume and flatten. At least 10 characters; this link works once.",
    button="Set password",
    fields='<label for="password">Password</label>'
    '<input id="password" name="password" type="password" autocomplete="new-password" required autofocus minlength="10" maxlength="256">'
    '<label for="again">Once more</label>'
    '<input id="again" name="again" type="password" autocomplete="new-password" required minlength="10" maxlength="256">',
)


def same(given: str, expected: str) -> bool:
    """Compare two tokens in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
