"""Whom the registry takes at their word when a mandate is made: e-ID issuers, and the company register."""

from dataclasses import dataclass

from registry.identity.company_register import CompanyRegister
from registry.identity.issuers import TrustedIssuers


@dataclass(frozen=True, slots=True)
class Sources:
    """Those who say who signed, and who may sign for an organisation. No register: nobody says the latter."""

    issuers: TrustedIssuers
    register: CompanyRegister | None = None
