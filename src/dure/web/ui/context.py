"""What every template may use."""

from django.http import HttpRequest


def reader(request: HttpRequest) -> dict[str, object]:
    """Who reads: language, the other language, and whether letters are large."""
    language = getattr(request, "LANGUAGE_CODE", "ko")
    return {
        "language": language,
        "other_language": "en" if language == "ko" else "ko",
        "large_text": request.COOKIES.get("text") == "large",
    }
