"""Reports: storing what arrives, with the history that follows from it, and dropping it when its time is over."""
