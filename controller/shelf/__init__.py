"""What is on record, as a whole: found, listed, compared, plotted over one another, exported, pruned.

A run's folder is the truth, and everything here can be had from the folders alone. ``runs.sqlite`` beside them is a
convenience: an index that makes a list of ten thousand runs a matter of a tenth of a second. Before each question it
is brought up to date with the folders (a look at each record's size and time), and where it is missing, damaged or of
another version it is made anew; where it cannot be written, as on a read-only medium, it is made in memory.

``entry`` a run's folder to a row, which is the schema · ``query`` questions as SQL · ``store`` where the rows are ·
``index`` the shelf itself · ``traces`` ``overlay`` ``compare`` ``export`` ``page`` what is made of runs · ``prune``
"""
