"""Makes the weights of the plate reader: draws plates, trains, exports, measures. Not shipped
in the package.
"""
