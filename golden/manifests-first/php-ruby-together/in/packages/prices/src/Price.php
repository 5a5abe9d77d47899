<?php

final class Price {}
