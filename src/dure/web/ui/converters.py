"""What may stand in an address: anything else is not found before a view or a query sees it."""


class PublicId:
    regex = "[a-z]{2,4}_[0-9a-hjkmnp-tv-z]{26}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Code(PublicId):
    regex = "[0-9A-HJKMNP-TV-Z]{8,32}"


ALL = {"public_id": PublicId, "code": Code}
