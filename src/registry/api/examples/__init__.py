"""Examples of every request and answer, in the demo's world: its parties, its texts, its permission codes.

What a request names (parties, permissions, services, clients) the demo has, so that a tester's first try
answers something; ids and signatures are made anew in every registry, so those here are like real ones.
"""
