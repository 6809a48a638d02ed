The main job, end to end: a charge point and a central system speak OCPP 1.6-J, and a charging profile is followed at the EVSE.
