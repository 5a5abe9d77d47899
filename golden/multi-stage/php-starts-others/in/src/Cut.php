<?php
exec('git describe');
