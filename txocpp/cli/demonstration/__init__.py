"""The demonstration: a charging session under a limit, played in accelerated time."""
