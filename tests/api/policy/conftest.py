from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.people import Role
from tests.api.policy.policy_site import PolicySite, open_policy_site

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite


@pytest.fixture
def city(open_site: OpenSite) -> PolicySite:
    """A site with two investigators, `li` and `wang`, and an operator, `zhao`."""
    found = open_policy_site(open_site)
    found.add("li")
    found.add("wang")
    found.add("zhao", Role.OPERATOR)
    return found
