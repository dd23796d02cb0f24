"""Measures live video.

- `__main__.py`: the cost of a viewer by WebSocket, and the times in Chromium;
- `comparison.py`: the cost of a viewer by WebRTC and by WebSocket, in comparison with Janus;
- `loss.py`: how long the picture is frozen while the network loses packets;
- `narrow.py`: how long the picture is frozen if the path carries less than the main stream;
- `disturbance.py`: viewers that stop to read, vanish, or send floods, and what others receive;
- `shared_node.py`: what viewers cost the recordings and a checkpoint of their node.
"""
