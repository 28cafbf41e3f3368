"""How the engine sees a search space: configurations as points of a unit cube, and which points there are."""
