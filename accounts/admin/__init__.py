"""The administration of accounts."""

from accounts.admin import people
