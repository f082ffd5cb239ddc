"""The programs that GANs were published as, as people run them: one file a framework, and one Trainer of all."""
