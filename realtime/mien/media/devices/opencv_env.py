"""What OpenCV reads from the environment only, and only when it is imported."""

import os


def prepare_opencv() -> None:
    """Keep cameras from blocking; to be called before anything imports cv2. What the user has set stays.

    A stalled V4L2 camera would block a read for 10 s; Media Foundation's hardware transforms make opening a camera take
    a minute (opencv#17687).
    """
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")
    os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
