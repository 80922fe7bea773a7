"""What archives hold, member by member, and what is wrong with their make.

A walker yields findings and members; it judges no contents. Members are read whatever flags, checksums and names say of them: of two
readers that disagree about an archive the more dangerous one counts.
"""
