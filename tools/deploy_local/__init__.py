"""`make deploy-local`: the template in an emulated AWS on this machine, and a purchase there."""
