"""What people made active over the API is still active after a restart, whatever they wrote as its message."""

from pathlib import Path

import pytest

from aaf.bootstrap import SHIPPED
from aaf.embedded import Embedded
from aaf.services import changing
from aaf.services.access import authenticate
from aaf.services.releases import files_of, tag
from aaf.settings import Settings


@pytest.mark.requirement("R38")
@pytest.mark.parametrize("message", ["Two people", SHIPPED])
def test_a_release_made_over_the_api_survives_a_restart_without_a_folder(tmp_path: Path, message: str) -> None:
    settings = Settings(data=tmp_path / "data", root=tmp_path / "workspace")
    with Embedded.open(settings) as product:
        assert product.app.first_key is not None
        core, org = product.core, product.app.org
        shipped = product.run(core.store.release(org))
        assert shipped is not None
        files = {name: data.decode() for name, data in files_of(shipped).items()}
        files["aaf.yaml"] = files["aaf.yaml"].replace("quorum: 1", "quorum: 2")
        key = product.app.first_key.secret
        admin = product.run(authenticate(core, key=key, agent=None, source="test"))
        work = changing.replace(core, admin, files=files, message=message, expected=tag(shipped))
        made = product.run(work).release
    with Embedded.open(settings) as product:
        assert product.run(product.core.store.release(product.app.org)) == made
        assert product.app.activated is None
