"""Reads the bearer token of a request."""

from __future__ import annotations

from fastapi import Request


def bearer_token(request: Request) -> str:
    """Return the token of `Authorization: Bearer …`; empty where there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
