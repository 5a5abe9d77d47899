"""Recognise the text in documents."""

from io import BytesIO

import pytesseract
from pdf2image import convert_from_bytes
from PIL import Image

DPI = 200


def of_pdf(document: bytes, language: str) -> list[str]:
    """Return the text of each page."""
    return [pytesseract.image_to_string(page, lang=language) for page in convert_from_bytes(document, dpi=DPI)]


def of_image(document: bytes, language: str) -> list[str]:
    """Return the text of an image, as one page."""
    return [pytesseract.image_to_string(Image.open(BytesIO(document)), lang=language)]
