"""What a central system must not forget: stations, tags, transactions, meter values, operations.

`CentralStore` is the door. A change or question is a function of one `Records`, which has a room
for each subject; frequent messages are added as rows of an `Append` statement instead. See
`txocpp.interfaces.ICentralStore` for what holds when a Deferred fires.
"""

from txocpp.storage.central.records import Records
from txocpp.storage.central.store import CentralStore

__all__ = ["CentralStore", "Records"]
