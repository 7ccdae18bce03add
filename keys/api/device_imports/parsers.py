"""Request bodies that are files themselves: handed on as they are, so that messages can name rows and bytes."""

from typing import Any

from rest_framework.parsers import BaseParser


class JsonFile(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream.read()


class CsvFile(JsonFile):
    media_type = "text/csv"
