"""What `make deploy-local` is made of: the template in an AWS that runs on this machine, and a purchase there."""
