"""What a test orders and reads, in this process or from another.

``interface`` has the commands, ``records`` the values that they give; ``control``
carries them out, ``remote`` sends them over HTTP.
"""
