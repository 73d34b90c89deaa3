@"%~dp0..\hearth.exe" %*
