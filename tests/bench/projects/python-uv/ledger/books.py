"""Accounts and postings."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Posting:
    """An amount in cents that leaves one account for another."""

    source: str
    target: str
    cents: int
    text: str = ""


@dataclass
class Books:
    """All postings, and what they come to."""

    postings: list[Posting] = field(default_factory=list)

    def post(self, posting: Posting) -> None:
        """Take a posting; raise ValueError if it moves nothing."""
        if posting.cents <= 0 or posting.source == posting.target:
            raise ValueError(f"a posting of {posting.cents} from {posting.source} to {posting.target}")
        self.postings.append(posting)

    def balance(self, account: str) -> int:
        """Return what an account holds, in cents."""
        came = sum(p.cents for p in self.postings if p.target == account)
        went = sum(p.cents for p in self.postings if p.source == account)
        return came - went

    def balances(self) -> dict[str, int]:
        """Return what every account holds."""
        names = {name for p in self.postings for name in (p.source, p.target)}
        return {name: self.balance(name) for name in sorted(names)}
