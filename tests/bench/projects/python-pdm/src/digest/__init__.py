"""A daily digest of a mailbox."""

import mailbox
import sys
from email.header import decode_header, make_header

from bs4 import BeautifulSoup
from jinja2 import Template

PAGE = Template("{% for one in mails %}{{ one.subject }}: {{ one.text[:80] }}\n{% endfor %}")


def text_of(message: mailbox.Message) -> str:
    """Return the readable text of a message."""
    for part in message.walk():
        if part.get_content_type() == "text/html":
            return BeautifulSoup(part.get_payload(decode=True) or b"", "lxml").get_text(" ", strip=True)
        if part.get_content_type() == "text/plain":
            return (part.get_payload(decode=True) or b"").decode("utf-8", "replace")
    return ""


def digest(path: str) -> str:
    """Return one line for each message of a maildir."""
    box = mailbox.Maildir(path)
    mails = [{"subject": str(make_header(decode_header(m["subject"] or ""))), "text": text_of(m)} for m in box]
    return PAGE.render(mails=mails)


def main() -> None:
    """Print the digest of the maildir that is named."""
    print(digest(sys.argv[1]))
