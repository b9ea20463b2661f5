"""Why a picture could not be encoded or decoded, by whose fault it is. The words are the library's."""


class Error(Exception):
    """Any of the others."""


class MalformedError(Error, ValueError):
    """The file is damaged, or no .calo file at all."""


class UsageError(Error, ValueError):
    """The caller asks for something impossible."""


class LimitError(Error, ValueError):
    """The picture is larger than `max_pixels`, or needs more than `max_memory`."""


class UnsupportedError(Error):
    """The file is fine, but this version cannot read it."""


class EngineError(Error, RuntimeError):
    """The engine or its model cannot run here."""
