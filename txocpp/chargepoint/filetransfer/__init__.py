"""Files from and to other machines: firmware in, logs out (OCPP 1.6 §4.4, §4.5, §8).

`places` reads URLs, `partial` keeps what has come of a file so far, `web` and `ftp` speak the
protocols, `attempts` tries again, `transfers` puts them together.
"""
