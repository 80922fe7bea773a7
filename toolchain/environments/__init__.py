"""Python environments for the code of users, built with uv inside a run and read-only from then on.

An environment is the folder `<root>/<id>`; `id` is the hash of all that it is made from. A base environment holds what
`requirements-toolchain*.txt` name; one for a `requirements.txt` is layered over a base and holds only what the base lacks or what
it needs in another version. `<root>/<id>.json` is written last, by us and where no build can reach it: with it the environment is ready.

Every build has a cache of its own inside the folder it may write, and loses it at the end. A shared one would have to share bytes
(uv makes hard links) between what one build writes and what another environment runs; so nothing that was written on behalf of one
user is ever read on behalf of another. Equal files of the bases are joined afterwards, by us.
"""
