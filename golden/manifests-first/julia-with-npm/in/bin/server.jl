using Genie
Genie.up(8000, "0.0.0.0"; async = false)
