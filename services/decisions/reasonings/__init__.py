"""Why Kela decided as it did: templates in Finnish and Swedish, with codes and versions, as data files."""
