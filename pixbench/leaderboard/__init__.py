"""The leaderboard: tables from records alone, with statistics; rows that anybody can check."""
