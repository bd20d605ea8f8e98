"""The same small service as others would write it, measured in the same rounds as Topup.

Three ways in which a shop would begin: one handler with boto3, stripe and PyJWT; FastAPI behind Mangum; Powertools'
resolver. Each has four routes: begin a checkout, Stripe's webhook, the credits of a user, and spend some. The shop's
own part is the same in all three, in shop.py. They are written as the documentation of each library shows it, and not
slower than they need be: clients and secrets are made once, before the first request.

They do less than Topup: nothing here has holds, refunds, disputes, expiry or an audit, and a crash between two of the
webhook's six requests leaves them half done.
"""
