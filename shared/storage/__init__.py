"""What stores: atomic files, sealed documents, formats. The ground floor: it knows none of the rooms."""
