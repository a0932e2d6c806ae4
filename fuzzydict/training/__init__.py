"""Training: gensim and NLTK are loaded here and nowhere else."""
