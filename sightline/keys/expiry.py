"""Warnings before certificates expire."""

from __future__ import annotations

from datetime import datetime

from domain.clock import S_PER_DAY
from sightline.keys.register import CertificateRecord, KeyRegister


def expiry_warnings(register: KeyRegister, now: datetime) -> list[str]:
    """Return a sentence for each certificate in use that expires within 90 days or has expired."""
    return [_warning(one, now) for one in register.certificates if one.expires_soon(now)]


def _warning(record: CertificateRecord, now: datetime) -> str:
    end = record.certificate.not_valid_after_utc
    days = int((end - now).total_seconds() // S_PER_DAY)
    when = f"expires in {days} days" if end > now else f"expired on {end:%Y-%m-%d}"
    command = f"rotate {record.purpose}"
    if not record.is_here:
        command = f"export --node {record.subject}" if record.subject else "export --api"
    name = " ".join(part for part in (record.purpose, record.subject) if part)
    return f"the certificate {name} {when}: run  sightline keys {command}"
