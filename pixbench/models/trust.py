"""Consent to execute code when a model is loaded: weights are data; formats that contain code need `--trust-code` each time."""

from ..errors import UserError


def require_trust(spec: str, kind: str, trusted: bool) -> None:
    """Raises UserError unless the user has allowed the code of `spec` to run."""
    if not trusted:
        raise UserError(
            f"--model {spec} is {kind}, which runs code with your rights: add --trust-code (trust_code=True in Python) "
            "if you trust its author; SECURITY.md says which formats are data"
        )
