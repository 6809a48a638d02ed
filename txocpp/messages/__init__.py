"""What is said: OCPP messages as frozen values, without behaviour.

Here lives everything that is known when only words are known: names, types, lengths, ranges. No
connector, no transaction, no line, no clock. Rules that need more than the message itself (is
there such a connector? is that the running transaction?) belong to the roles.

* `txocpp.messages.fields`, `txocpp.messages.declaration`: how a message is declared
* `txocpp.messages.kinds`: what may stand in a field, on the wire and in Python
* `txocpp.messages.codec`: payload to message and back, the fast way
* `txocpp.messages.explain`: why a payload was refused, the slow way (rule J-20)
* `txocpp.messages.factory`: which action is which class
* `txocpp.messages.v16`: the messages of OCPP 1.6 and of its security white paper
"""
