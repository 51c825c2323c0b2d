"""The demo application: a small Pixel Streaming streamer that needs no GPU and no Unreal Engine."""
