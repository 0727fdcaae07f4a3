"""The leaderboard: tables computed from records alone, with statistics, and verification of rows."""
