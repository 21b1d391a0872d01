"""Collections: one per project, made when its first record comes."""

from __future__ import annotations

from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.limits import LONGEST_TITLE, one_line, project_identifier
from kadi_battgen.records.kadi.session import KadiError


class Collections:
    """The collections of one instance, each looked up once.

    Parameters
    ----------
    client
        The instance.
    """

    def __init__(self, client: KadiClient) -> None:
        self._client = client
        self._numbers: dict[str, int] = {}

    def add(self, project: str, number: int, identifier: str) -> None:
        """Put a record into the collection of a project.

        Parameters
        ----------
        project
            Name of the project.
        number, identifier
            The record, by its number in Kadi4Mat and its identifier.

        Raises
        ------
        KadiError
            If the collection belongs to someone else who has not given access to it.
        """
        collection = project_identifier(project)
        try:
            if collection not in self._numbers:
                self._numbers[collection] = self._ensure(project, collection)
            self._client.add_to_collection(number, identifier, self._numbers[collection])
        except KadiError as error:
            if error.status != 403:
                raise
            raise KadiError(
                f"The collection {collection} on {self._client.address} belongs to someone else: ask its owner for the "
                "role of a collaborator, or choose another project with --project.",
                403,
            ) from None

    def _ensure(self, project: str, identifier: str) -> int:
        found = self._client.find("collections", identifier)
        if found is None:
            fields = {
                "title": one_line(project, LONGEST_TITLE),
                "description": f"Runs of the project {one_line(project, LONGEST_TITLE)}, recorded by kadi-battgen.",
                "tags": ["kadi-battgen"],
            }
            found = self._client.create("collections", identifier, fields)
        return int(found["id"])
