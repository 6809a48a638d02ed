"""The central system as a real process, killed again and again while it is under load.

`books.Books` is what the stations know, `story.kill_again_and_again` plays, and afterwards both
sides of the books are compared. ``python -m tests.kills`` goes on for as long as one likes.
"""
