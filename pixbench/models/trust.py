"""What may run when a model is loaded: weights are data; everything that is a program needs the user's word, each time."""

from ..errors import UserError


def require_trust(spec: str, kind: str, trusted: bool) -> None:
    """UserError unless the user said that the code behind `spec`, which is of this kind, may run."""
    if not trusted:
        raise UserError(
            f"--model {spec} is {kind}, which runs code with your rights: add --trust-code (trust_code=True in Python) "
            "if you trust its author; SECURITY.md says which formats are data"
        )
