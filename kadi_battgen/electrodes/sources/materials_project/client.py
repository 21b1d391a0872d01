"""What is asked of the Materials Project, through mp-api's client."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kadi_battgen.electrodes.sources.materials_project.credentials import find_api_key
from kadi_battgen.electrodes.sources.materials_project.patience import PassingTroubleError, Patience
from kadi_battgen.errors import UserError

if TYPE_CHECKING:
    from kadi_battgen.electrodes.sources.materials_project.session import BoundedSession

#: What is asked for of an electrode. ``battery_id`` is not among them: mp-api refuses it as a computed property.
ELECTRODE_FIELDS = (
    "material_ids",
    "working_ion",
    "thermo_type",
    "formula_charge",
    "formula_discharge",
    "id_charge",
    "id_discharge",
    "average_voltage",
    "capacity_grav",
    "capacity_vol",
    "energy_grav",
    "energy_vol",
    "max_delta_volume",
    "stability_charge",
    "stability_discharge",
)

#: What is asked for of a material.
STRUCTURE_FIELDS = ("material_id", "structure")

#: Documents on a page; the server sends no more.
PAGE_SIZE = 1000


class MaterialsProject:
    """A server of the Materials Project, asked for nothing before it is needed.

    Parameters
    ----------
    address
        Its endpoint, without a slash at the end.
    patience
        How often and how long a request is tried again.
    """

    def __init__(self, address: str, patience: Patience) -> None:
        self._endpoint = f"{address}/"
        self._patience = patience
        self._known_session: BoundedSession | None = None
        self._version: str | None = None
        self._known_rester: Any = None

    def database_version(self) -> str:
        """Return the version of its database; it is asked once."""
        if self._version is None:
            self._version = self._patience.keep_trying(self._heartbeat)
        return self._version

    def electrodes(self, working_ion: str) -> list[dict[str, Any]]:
        """Return all insertion electrodes of a working ion with `ELECTRODE_FIELDS`, as the server sends them."""
        return self._patience.keep_trying(lambda: self._electrodes(working_ion))

    def structures(self, material_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return the materials of these identifiers that have one, with `STRUCTURE_FIELDS`, as the server sends them.

        Materials of the GNoME data set are left out: they are under a licence that forbids commercial use.
        """

        def search(rester: Any) -> list[dict[str, Any]]:
            return rester.materials.summary.search(
                material_ids=list(material_ids),
                fields=list(STRUCTURE_FIELDS),
                include_gnome=False,
                chunk_size=PAGE_SIZE,
            )

        return self._ask(search)

    def close(self) -> None:
        """Close all connections."""
        if self._known_session is not None:
            self._known_session.close()

    def _electrodes(self, working_ion: str) -> list[dict[str, Any]]:
        # Without a criterion mp-api downloads the whole collection from elsewhere and ignores the fields.
        expected = int(
            self._ask(lambda rester: rester.materials.insertion_electrodes.count({"working_ion": working_ion}))
        )

        def search(rester: Any) -> list[dict[str, Any]]:
            return rester.materials.insertion_electrodes.search(
                working_ion=[working_ion], fields=list(ELECTRODE_FIELDS), chunk_size=PAGE_SIZE
            )

        found = self._ask(search)
        if len(found) != expected:
            # mp-api takes short pages as they are.
            raise PassingTroubleError(f"sent {len(found)} of {expected} electrodes of {working_ion}")
        return found

    def _ask(self, search: Callable[[Any], Any]) -> Any:
        """Return what a search by mp-api's client returns."""
        rester, failure, answer = self._rester(), None, None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer = search(rester)
        except (UserError, PassingTroubleError, MemoryError):
            raise
        except Exception as error:
            failure = type(error).__name__
        # Raised out here, without an error along that may name the request.
        if failure is not None:
            raise UserError(
                f"{self._patience.server} gave an answer that mp-api cannot read ({failure}): check the endpoint, or install "
                "the mp-api that fits this server."
            )
        return answer

    def _heartbeat(self) -> str:
        response = self._session().get(f"{self._endpoint}heartbeat")
        try:
            version = response.json()["db_version"]
        except (ValueError, KeyError, TypeError):
            version = None
        if not isinstance(version, str) or not version:
            raise UserError(
                f"{self._patience.server} is no server of the Materials Project, for it names no version of its database: "
                "check the endpoint."
            )
        return version

    def _session(self) -> BoundedSession:
        if self._known_session is None:
            from kadi_battgen.electrodes.sources.materials_project.session import BoundedSession

            self._known_session = BoundedSession(self._patience, find_api_key())
        return self._known_session

    def _rester(self) -> Any:
        """Return mp-api's client; made once, after the server has answered."""
        if self._known_rester is None:
            self.database_version()
            session = self._session()
            self._known_rester = self._patience.keep_trying(lambda: self._make_rester(session))
        return self._known_rester

    def _make_rester(self, session: BoundedSession) -> Any:
        """Make mp-api's client in a thread of its own: its first requests have no time limit."""
        made: list[Any] = []
        failed: list[str] = []
        rester_type = _rester_type()

        def make() -> None:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    made.append(
                        rester_type(
                            endpoint=self._endpoint,
                            session=session,
                            use_document_model=False,
                            mute_progress_bars=True,
                        )
                    )
            except Exception as error:
                failed.append(type(error).__name__)

        thread = threading.Thread(target=make, daemon=True)
        thread.start()
        thread.join(self._patience.timeout)
        if made:
            return made[0]
        raise PassingTroubleError(
            f"answered mp-api's greeting with nonsense or not at all ({failed[0]})"
            if failed
            else f"gave no answer within {self._patience.timeout:g} s"
        )


def _rester_type() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from mp_api.client import MPRester
    except ImportError as error:
        raise UserError(
            f"The package mp-api cannot be loaded ({error.msg}): its version and that of emmet-core do not fit, install both "
            "as kadi-battgen's constraints.txt names them."
        ) from error
    return MPRester
